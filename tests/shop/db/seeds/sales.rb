module Seeds
  # 2,000 orders with their lines and charges, some returns, and what the buyers were told about them.
  class Sales
    ORDERS = 2_000
    RETURN_EVERY = 25
    OPENED = Time.utc(2024, 6, 1, 7)
    STATUSES = %w[confirmed confirmed shipped shipped shipped cancelled].freeze

    def initialize(random)
      @random = random
      @variants = Variant.joins(:product).pluck(:id, :price, "products.name", :title)
      @orders, @lines, @payments, @returns, @return_lines, @notifications = Array.new(6) { [] }
    end

    def call
      (1..ORDERS).each { |id| order(id) }
      {
        Order => @orders, OrderLine => @lines, Payment => @payments, Return => @returns, ReturnLine => @return_lines,
        Notification => @notifications
      }.each { |model, rows| rows.each_slice(1_000) { |slice| model.insert_all(slice) } }
    end

    private

    def order(id)
      at = OPENED + id * 20.minutes + Rational(@random.rand(1_000_000), 1_000_000)
      lines = Array.new(@random.rand(1..3)) { line(id, at) }
      subtotal = lines.sum { |line| line[:total] }
      shipping = subtotal >= CartPricing::FREE_SHIPPING_FROM ? 0 : CartPricing::SHIPPING
      total = subtotal + shipping
      order = {
        id: id, user_id: @random.rand(1..People::BUYERS), number: format("SO-%s-%08d", at.strftime("%Y%m%d"), id),
        status: STATUSES.sample(random: @random), currency: "EUR", subtotal: subtotal, discount: 0, shipping: shipping,
        tax: Monetary.round(total * 20 / 120), total: total, placed_at: at, **stamps(at)
      }
      @orders << order
      @payments << { order_id: id, kind: "charge", amount: total, reference: format("ch_seed_%08d", id), **stamps(at) }
      notify(order, "order_confirmed", "Order #{order[:number]} is confirmed", "/orders/#{id}", at)
      request_return(order, lines.first, at + 9.days) if (id % RETURN_EVERY).zero? && order[:status] != "cancelled"
    end

    def line(order_id, at)
      id, price, name, title = @variants.sample(random: @random)
      quantity = @random.rand(1..3)
      row = {
        id: @lines.size + 1, order_id: order_id, variant_id: id, title: "#{name} – #{title}", unit_price: price,
        quantity: quantity, total: price * quantity, **stamps(at)
      }
      @lines << row
      row
    end

    def request_return(order, line, at)
      id = @returns.size + 1
      approved = id.even?
      refund = approved ? line[:unit_price] : nil
      @returns << {
        id: id, order_id: order[:id], state: approved ? "approved" : "requested", reason: "Doesn't fit – “too big”",
        refund_amount: refund, approved_at: approved ? at : nil, **stamps(at)
      }
      @return_lines << { return_id: id, order_line_id: line[:id], quantity: 1, **stamps(at) }
      return unless approved

      @payments << { order_id: order[:id], kind: "refund", amount: refund, reference: format("re_seed_%08d", id), **stamps(at) }
      notify(order, "return_approved", "Your return for order #{order[:number]} is approved", "/returns/#{id}", at)
    end

    def notify(order, kind, message, path, at)
      @notifications << {
        user_id: order[:user_id], kind: kind, message: message, path: path,
        read_at: @random.rand < 0.5 ? at + 1.hour : nil, **stamps(at)
      }
    end

    def stamps(at)
      { created_at: at, updated_at: at }
    end
  end
end
