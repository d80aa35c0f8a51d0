# Money is BigDecimal, rounded half-up to two digits at the points the arithmetic names.
module Monetary
  ZERO = BigDecimal("0")

  def self.round(amount)
    BigDecimal(amount).round(2, half: :up)
  end
end
