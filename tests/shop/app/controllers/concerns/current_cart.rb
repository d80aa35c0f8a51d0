# A customer's cart belongs to the user, a visitor's to the session. It is created when something is put into it.
module CurrentCart
  extend ActiveSupport::Concern

  included do
    helper_method :current_cart
  end

  def current_cart
    @current_cart ||= stored_cart || Cart.new(user: current_user)
  end

  def current_cart!
    current_cart.tap do |cart|
      cart.save! if cart.new_record?
      session[:cart_id] = cart.id unless current_user
    end
  end

  def forget_cart
    @current_cart = nil
  end

  private

  def stored_cart
    return Cart.find_by(user: current_user) if current_user

    Cart.find_by(id: session[:cart_id], user_id: nil) if session[:cart_id]
  end
end
