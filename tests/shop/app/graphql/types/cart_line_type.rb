module Types
  class CartLineType < BaseObject
    field :id, ID, null: false
    field :quantity, Integer, null: false
    field :total, Money, null: false
    field :variant, VariantType, null: false
  end
end
