# What a promotion takes off a basket. Subclasses answer #discount_on; see CartPricing for how they add up.
class Promotion < ApplicationRecord
  validates :code, presence: true, uniqueness: { case_sensitive: false }
  validates :name, presence: true

  scope :automatic, -> { where(automatic: true) }
  scope :by_code, -> { where(automatic: false) }
  scope :for_category, ->(category) { where(category: [nil, category]) }
  scope :active, lambda {
    now = Time.current
    where("starts_at IS NULL OR starts_at <= ?", now)
      .where("ends_at IS NULL OR ends_at > ?", now)
      .where("usage_limit IS NULL OR used_count < usage_limit")
  }

  def self.find_by_code(code)
    by_code.active.find_by(code: code.to_s.strip.upcase)
  end

  def applies_to?(line)
    category.nil? || category == line.category
  end

  # Counts one use; false when another order took the last one in the meantime.
  def redeem
    self.class.where(id: id)
        .where("usage_limit IS NULL OR used_count < usage_limit")
        .update_all("used_count = used_count + 1") == 1
  end

  def discount_on(_lines)
    raise NotImplementedError, "#{self.class} must say what it takes off"
  end
end
