module Types
  class ProductType < BaseObject
    field :id, ID, null: false
    field :name, String, null: false
    field :slug, String, null: false
    field :subtitle, String, null: true
    field :description, String, null: false
    field :price, Money, null: false
    field :currency, String, null: false
    field :category, String, null: false
    field :brand, String, null: false
    field :tags, [String], null: false
    field :rating, Float, null: true
    field :in_stock, Boolean, null: false, method: :in_stock?
    field :listed_at, GraphQL::Types::ISO8601DateTime, null: false
    field :variants, [VariantType], null: false
    field :related, [ProductType], null: false
  end
end
