module Api
  class CartPromotionsController < BaseController
    def create
      promotion = Promotion.find_by_code(params[:code])
      return render_error("This code is not valid", :unprocessable_entity) unless promotion

      current_cart!.update!(promotion: promotion)
      render_cart
    end
  end
end
