# What other systems must hear of, written in the transaction it tells of. A relay outside the shop
# reads the unpublished rows in id order and sets published_at.
class OutboxEvent < ApplicationRecord
  belongs_to :aggregate, polymorphic: true

  serialize :payload, JSON

  def self.record!(name, aggregate, payload)
    create!(name: name, aggregate: aggregate, payload: payload)
  end
end
