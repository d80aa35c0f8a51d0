module Api
  class SessionsController < BaseController
    def show
      render_session
    end

    def create
      user = User.authenticate(params[:email], params[:password])
      return render_error("Wrong email or password", :unprocessable_entity) unless user

      sign_in(user)
      render_session status: :created
    end

    def destroy
      sign_out
      head :no_content
    end

    private

    def render_session(status: :ok)
      render status: status, json: {
        user: current_user && { id: current_user.id, email: current_user.email, name: current_user.name },
        csrf_token: form_authenticity_token,
        cart: { count: current_cart.count, total: current_cart.pricing.total }
      }
    end
  end
end
