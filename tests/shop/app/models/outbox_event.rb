# What other systems must hear of, written in the transaction it tells of.
class OutboxEvent < ApplicationRecord
  belongs_to :subject, polymorphic: true

  serialize :payload, JSON

  def self.record!(name, subject, payload)
    create!(name: name, subject: subject, payload: payload)
  end
end
