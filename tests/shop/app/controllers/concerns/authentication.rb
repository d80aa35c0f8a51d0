# Who is asking: the session's user_id.
module Authentication
  extend ActiveSupport::Concern

  included do
    helper_method :current_user
  end

  def current_user
    return @current_user if defined?(@current_user)

    @current_user = User.find_by(id: session[:user_id])
  end

  # A new session on every change of identity (session fixation); the visitor's cart comes along.
  def sign_in(user)
    visitors_cart = Cart.find_by(id: session[:cart_id], user_id: nil)
    reset_session
    session[:user_id] = user.id
    @current_user = user
    forget_cart
    current_cart!.absorb(visitors_cart) if visitors_cart
  end

  def sign_out
    reset_session
    @current_user = nil
    forget_cart
  end
end
