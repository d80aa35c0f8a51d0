class ProductsController < ApplicationController
  def index
    @page = Page.of(Product.search(params).sorted_by(params[:sort]), number: params[:page], size: Product::PER_PAGE)
    @categories = Product.categories
  end

  def show
    @product = Product.find(params[:id])
    @product.record_view!
    @related = @product.related
  end
end
