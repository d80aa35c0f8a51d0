module Seeds
  class Promotions
    CREATED = Time.utc(2024, 1, 2, 9)

    def call
      create PercentPromotion, "WELCOME10", "10 % for new friends", percent: 10
      create FixedPromotion, "FIVER", "5.00 off from 30.00", amount: 5, minimum_total: 30
      create BuyXGetYPromotion, "3FOR2", "Three for two", buy_quantity: 2, free_quantity: 1
      create PercentPromotion, "EXPIRED", "Half price, once upon a time", percent: 50, ends_at: Time.utc(2024, 2, 1)
      create PercentPromotion, "AUTO-GARDEN", "Garden weeks: 15 % off", percent: 15, automatic: true, category: "garden"
      create FixedPromotion, "AUTO-BULK", "8.00 off from 200.00", amount: 8, minimum_total: 200, automatic: true
    end

    private

    def create(model, code, name, **terms)
      model.create!(code: code, name: name, created_at: CREATED, updated_at: CREATED, **terms)
    end
  end
end
