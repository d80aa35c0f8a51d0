# One page of a relation, counted from 1. Page numbers below 1 and junk mean page 1.
class Page
  attr_reader :number, :size

  def self.of(relation, number:, size:)
    new(relation, number: [number.to_s.to_i, 1].max, size: size)
  end

  def initialize(relation, number:, size:)
    @relation = relation
    @number = number
    @size = size
  end

  def records
    @records ||= @relation.limit(size).offset((number - 1) * size).to_a
  end

  def total
    @total ||= @relation.except(:order).count
  end

  def total_pages
    (total + size - 1) / size
  end
end
