module Api
  class CartsController < BaseController
    def show
      render_cart
    end
  end
end
