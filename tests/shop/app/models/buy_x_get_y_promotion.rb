class BuyXGetYPromotion < Promotion
  validates :buy_quantity, :free_quantity, numericality: { only_integer: true, greater_than: 0 }

  # Units, dearest first, form groups of buy + free; the cheapest `free` of each full group cost nothing.
  def discount_on(lines)
    units = lines.flat_map { |line| [line.unit_price] * line.quantity }.sort.reverse
    units.each_slice(buy_quantity + free_quantity)
         .select { |group| group.size == buy_quantity + free_quantity }
         .sum(Monetary::ZERO) { |group| group.last(free_quantity).sum }
  end
end
