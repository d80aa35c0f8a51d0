# The same shop every time: one random generator with a fixed seed, no clock, bulk inserts.
require_relative "seeds/catalog"
require_relative "seeds/people"
require_relative "seeds/promotions"
require_relative "seeds/sales"

random = Random.new(42)
ActiveRecord::Base.logger.silence do
  ActiveRecord::Base.transaction do
    Seeds::People.new(random).call
    Seeds::Catalog.new(random).call
    Seeds::Promotions.new.call
    Seeds::Sales.new(random).call
  end
end
