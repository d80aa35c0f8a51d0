class FixedPromotion < Promotion
  validates :amount, numericality: { greater_than: 0 }

  def discount_on(lines)
    [amount, lines.sum(Monetary::ZERO, &:total)].min
  end
end
