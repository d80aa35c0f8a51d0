module Api
  class CartLinesController < BaseController
    def create
      variant = Variant.find(params[:variant_id])
      line = current_cart!.add(variant, (params[:quantity].presence || 1).to_i)
      return render_error(line.errors.full_messages.to_sentence, :unprocessable_entity) if line.errors.any?

      current_cart.reload
      render_cart status: :created
    end

    def destroy
      current_cart.lines.find(params[:id]).destroy!
      current_cart.reload
      render_cart
    end
  end
end
