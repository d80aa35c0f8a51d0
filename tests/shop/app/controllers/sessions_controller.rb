class SessionsController < ApplicationController
  def new; end

  def create
    user = User.authenticate(params[:email], params[:password])
    if user
      sign_in(user)
      redirect_to root_path, notice: "Welcome back, #{user.name}"
    else
      flash.now[:alert] = "Wrong email or password"
      render :new, status: :unprocessable_entity
    end
  end

  def destroy
    sign_out
    redirect_to root_path, notice: "You are logged out"
  end
end
