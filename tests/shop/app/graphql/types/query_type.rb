module Types
  class QueryType < BaseObject
    field :product, ProductType, null: true do
      argument :id, ID, required: true
    end
    field :products, [ProductType], null: false do
      argument :query, String, required: false
      argument :page, Integer, required: false
    end
    field :cart, CartType, null: false

    def product(id:)
      Product.find_by(id: id)
    end

    def products(query: nil, page: 1)
      found = Product.named_like(query).sorted_by(nil)
      Page.of(found, number: page, size: Product::PER_PAGE).records
    end

    def cart
      context[:cart].call
    end
  end
end
