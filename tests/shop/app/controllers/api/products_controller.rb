module Api
  class ProductsController < BaseController
    def index
      products = Product.search(params).sorted_by(params[:sort]).includes(:variants)
      page = Page.of(products, number: params[:page], size: per_page)

      render json: {
        products: page.records.map { |product| ProductSerializer.summary(product) },
        page: page.number,
        per_page: page.size,
        total: page.total,
        total_pages: page.total_pages,
        generated_at: Time.current
      }
    end

    def show
      product = Product.find(params[:id])
      product.record_view!
      render json: ProductSerializer.full(product, now: Time.current)
    end

    private

    def per_page
      (params[:per_page].presence || Product::PER_PAGE).to_s.to_i.clamp(1, Product::MAX_PER_PAGE)
    end
  end
end
