# The price of a basket. All amounts are BigDecimal; README.md ("Promotion arithmetic") gives worked examples.
#
#   1. line total   unit price x quantity
#   2. subtotal     the sum of the line totals
#   3. promotions   every active automatic one in id order, then the coupon if it is still active
#      - it sees only the lines of its category (all lines without one), at their full price:
#        promotions do not see what another one took off
#      - with a minimum total it counts only if those lines reach it
#      - its discount is rounded half-up to two digits; one of 0 is not listed
#   4. discount     the sum of the promotions' discounts, at most the subtotal
#   5. goods        subtotal - discount
#   6. shipping     4.90, free from 50.00 of goods and for an empty basket
#   7. total        goods + shipping
#   8. tax          the 20 % VAT contained in the total: total x 20 / 120, rounded half-up
class CartPricing
  Applied = Struct.new(:promotion, :discount)

  SHIPPING = BigDecimal("4.90")
  FREE_SHIPPING_FROM = BigDecimal("50")
  VAT_PERCENT = BigDecimal("20")

  attr_reader :lines, :coupon

  def initialize(lines, coupon: nil)
    @lines = lines.to_a
    @coupon = coupon
  end

  def subtotal
    @subtotal ||= lines.sum(Monetary::ZERO, &:total)
  end

  def applied
    @applied ||= promotions.filter_map do |promotion|
      discount = discount_of(promotion)
      Applied.new(promotion, discount) if discount.positive?
    end
  end

  def discount
    [applied.sum(Monetary::ZERO, &:discount), subtotal].min
  end

  def goods
    subtotal - discount
  end

  def shipping
    lines.empty? || goods >= FREE_SHIPPING_FROM ? Monetary::ZERO : SHIPPING
  end

  def total
    goods + shipping
  end

  def tax
    Monetary.round(total * VAT_PERCENT / (100 + VAT_PERCENT))
  end

  private

  def promotions
    automatic = Promotion.automatic.active.order(:id).to_a
    still_active_coupon = Promotion.active.find_by(id: coupon.id) if coupon
    [*automatic, still_active_coupon].compact
  end

  def discount_of(promotion)
    eligible = lines.select { |line| promotion.applies_to?(line) }
    return Monetary::ZERO if eligible.empty?
    return Monetary::ZERO if promotion.minimum_total && eligible.sum(&:total) < promotion.minimum_total

    promotion.discount_on(eligible)
  end
end
