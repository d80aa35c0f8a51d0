class PercentPromotion < Promotion
  validates :percent, numericality: { greater_than: 0, less_than_or_equal_to: 100 }

  def discount_on(lines)
    Monetary.round(lines.sum(Monetary::ZERO, &:total) * percent / 100)
  end
end
