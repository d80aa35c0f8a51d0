module Types
  class CartType < BaseObject
    field :count, Integer, null: false
    field :lines, [CartLineType], null: false
    field :subtotal, Money, null: false
    field :discount, Money, null: false
    field :shipping, Money, null: false
    field :total, Money, null: false

    delegate :subtotal, :discount, :shipping, :total, to: :pricing

    def pricing
      @pricing ||= object.pricing
    end
  end
end
