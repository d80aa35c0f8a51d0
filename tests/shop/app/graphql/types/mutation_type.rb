module Types
  class MutationType < BaseObject
    field :add_to_cart, CartType, null: false do
      argument :variant_id, ID, required: true
      argument :quantity, Integer, required: false
    end

    def add_to_cart(variant_id:, quantity: 1)
      variant = Variant.find_by(id: variant_id) or raise GraphQL::ExecutionError, "Variant not found"
      line = context[:cart_for_writing].call.add(variant, quantity)
      raise GraphQL::ExecutionError, line.errors.full_messages.to_sentence if line.errors.any?

      context[:cart].call.reload
    end
  end
end
