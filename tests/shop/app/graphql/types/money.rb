module Types
  class Money < GraphQL::Schema::Scalar
    description "An amount with two digits, as a string: \"19.90\""

    def self.coerce_result(amount, _context)
      format("%.2f", amount)
    end
  end
end
