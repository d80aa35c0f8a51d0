class HomeController < ApplicationController
  def show
    @newest = Product.order(Product::NEWEST_FIRST).limit(6)
    @popular = Product.order(views_count: :desc, id: :asc).limit(6)
    @promotions = Promotion.automatic.active
  end
end
