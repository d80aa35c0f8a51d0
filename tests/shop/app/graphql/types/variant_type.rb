module Types
  class VariantType < BaseObject
    field :id, ID, null: false
    field :sku, String, null: false
    field :title, String, null: false
    field :price, Money, null: false
    field :stock, Integer, null: false
  end
end
