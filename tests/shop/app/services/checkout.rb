# Turns a cart into a paid order, or raises Checkout::Failed and changes nothing.
class Checkout
  class Failed < StandardError; end

  def initialize(cart:, user:, card_token:)
    @cart = cart
    @user = user
    @card_token = card_token
  end

  def call
    Order.transaction do
      @cart.lock! # a second click waits here, and then finds the cart empty
      raise Failed, "Your cart is empty" if @cart.lines.empty?

      variants = lock_variants
      @pricing = @cart.pricing
      take_stock(variants)
      redeem_promotions
      create_order.tap do |order|
        pay(order)
        OutboxEvent.record!("order.placed", order, number: order.number, total: order.total, user_id: @user.id)
        @cart.empty!
      end
    end
  rescue PaymentGateway::Declined => e
    raise Failed, e.message
  end

  private

  # In id order, so that two checkouts of the same variants wait for each other instead of deadlocking.
  def lock_variants
    ids = @cart.lines.map(&:variant_id)
    locked = Variant.where(id: ids).order(:id).lock.index_by(&:id)
    @cart.lines.each { |line| line.association(:variant).target = locked.fetch(line.variant_id) }
    locked.values
  end

  def take_stock(variants)
    wanted = @cart.lines.to_h { |line| [line.variant_id, line.quantity] }
    variants.each do |variant|
      if !variant.buyable? || variant.stock < wanted[variant.id]
        raise Failed, "Only #{variant.stock} left of #{variant.full_title}"
      end

      variant.update!(stock: variant.stock - wanted[variant.id])
    end
  end

  def redeem_promotions
    @pricing.applied.each do |applied|
      applied.promotion.redeem or raise Failed, "#{applied.promotion.code} has been used up"
    end
  end

  def create_order
    order = Order.new(
      user: @user, promotion: @cart.promotion, placed_at: Time.current,
      subtotal: @pricing.subtotal, discount: @pricing.discount, shipping: @pricing.shipping,
      tax: @pricing.tax, total: @pricing.total
    )
    @cart.lines.each do |line|
      order.lines.build(variant: line.variant, title: line.variant.full_title, unit_price: line.unit_price,
                        quantity: line.quantity, total: line.total)
    end
    order.tap(&:save!)
  end

  def pay(order)
    reference = PaymentGateway.charge(@card_token, order.total)
    order.payments.create!(kind: :charge, amount: order.total, reference: reference)
  end
end
