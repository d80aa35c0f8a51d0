class CartLinesController < ApplicationController
  def create
    variant = Variant.find(params[:variant_id])
    line = current_cart!.add(variant, (params[:quantity].presence || 1).to_i)
    if line.errors.any?
      redirect_to cart_path, alert: line.errors.full_messages.to_sentence
    else
      redirect_to cart_path, notice: "#{variant.full_title} is in your cart"
    end
  end

  def update
    line = current_cart.lines.find(params[:id])
    if line.update(quantity: params[:quantity])
      redirect_to cart_path, notice: "Your cart is updated"
    else
      redirect_to cart_path, alert: line.errors.full_messages.to_sentence
    end
  end

  def destroy
    current_cart.lines.find(params[:id]).destroy!
    redirect_to cart_path, notice: "Removed from your cart"
  end
end
