# Stands for the card processor: tok_ok pays, every other token is declined.
class PaymentGateway
  class Declined < StandardError; end

  def self.charge(token, amount)
    raise Declined, "Your card was declined" unless token == "tok_ok"

    reference("ch", amount)
  end

  def self.refund(_payment, amount)
    reference("re", amount)
  end

  def self.reference(prefix, amount)
    Rails.logger.info("gateway #{prefix} #{amount.to_s('F')}")
    "#{prefix}_#{SecureRandom.hex(12)}"
  end
  private_class_method :reference
end
