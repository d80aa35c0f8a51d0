module Seeds
  # 2,400 products, about 3 % of them soft-deleted, with 1 to 4 variants each.
  class Catalog
    PRODUCTS = 2_400
    BATCH = 600
    LAUNCH = Time.utc(2023, 2, 1, 6)
    CATEGORIES = %w[kitchen garden books toys audio office outdoor bath].freeze
    BRANDS = ["Ørsted & Sons", "Fjällgård", "Atelier 9", "O'Malley", "Kōbō", "Banyan Basics"].freeze
    ADJECTIVES = ["Quiet", "Solid", "Crème", "Light_weight", "100% Wool", "Folding", "Enamel", "Naïve", "Little", "Oak"].freeze
    NOUNS = ["Kettle", "Lantern", "Notebook", "Trowel", "Speaker", "Smörgås Board", "Towel", "Desk Lamp", "Puzzle", "Mug"].freeze
    TAGS = ["new", "sale", "handmade", "vegan", "gift & card", "<limited>", "très chic", "eco"].freeze
    SIZES = ["Small", "Medium", "Large", "1/2\" special"].freeze

    def initialize(random)
      @random = random
    end

    def call
      @variant_id = 0
      (1..PRODUCTS).each_slice(BATCH) do |ids|
        products = ids.map { |id| product(id) }
        Product.unscoped { Product.insert_all(products) } # the default scope would undelete them
        Variant.insert_all(products.flat_map { |product| variants(product) })
      end
    end

    private

    def product(id)
      name = "#{pick(ADJECTIVES)} #{pick(NOUNS)} #{id}"
      listed_at = LAUNCH + @random.rand(500).days + @random.rand(86_400) + Rational(@random.rand(1_000_000), 1_000_000)
      changed_at = listed_at + @random.rand(30).days
      {
        id: id, name: name, slug: "#{name.parameterize}-#{id}", subtitle: subtitle(id), description: description(name),
        price: price, currency: "EUR", category: pick(CATEGORIES), brand: pick(BRANDS), details: details(id),
        tags: TAGS.sample(@random.rand(4), random: @random), rating: rating, views_count: @random.rand(5_000),
        # Every tenth product was listed by the same import, at the same instant.
        listed_at: (id % 10).zero? ? LAUNCH + 300.days : listed_at,
        deleted_at: chance(0.03) ? changed_at : nil, created_at: listed_at, updated_at: changed_at
      }
    end

    def variants(product)
      count = 1 + @random.rand(4)
      sold_out = chance(0.08)
      SIZES.first(count).each_with_index.map do |size, index|
        {
          id: @variant_id += 1, product_id: product[:id], sku: format("BN-%05d-%d", product[:id], index + 1), title: size,
          price: product[:price] + index * BigDecimal("2.50"), stock: sold_out || chance(0.1) ? 0 : 1 + @random.rand(200),
          # Some shelves were sorted by hand, so that position and id disagree.
          position: (product[:id] % 7).zero? ? count - index : index + 1,
          created_at: product[:created_at], updated_at: product[:updated_at]
        }
      end
    end

    def subtitle(id)
      case id % 5
      when 0 then nil
      when 1 then ""
      else "#{pick(ADJECTIVES)} & “#{pick(ADJECTIVES).downcase}” – since #{1900 + @random.rand(120)}"
      end
    end

    def description(name)
      "<b>#{name}</b> isn't just \"nice\" – it's fish & chips nice.\nMade in Åre, 5 < 6 > 4, café-tested: 日本語 ✓ 🌿"
    end

    def details(id)
      return nil if (id % 97).zero?

      {
        weight_kg: @random.rand(0.1..20.0).round(3), washable: chance(0.5), warranty_years: pick([nil, 1, 2, 10]),
        origin: { country: pick(%w[SE PT JP PL]), town: pick(["Åre", "", nil, "Łódź"]), lat: @random.rand(-90.0..90.0) },
        sizes_cm: Array.new(@random.rand(4)) { @random.rand(1..300) / 2.0 }, care: [], notes: "", extra: {},
        ratio: pick([1.0e-05, 1.0e+20, 0.1, 100.0]), "ключ": "<script>&\u2028"
      }
    end

    def price
      pick([BigDecimal(@random.rand(100..20_000)) / 100, BigDecimal(@random.rand(1..150)), BigDecimal(@random.rand(1..99)) + BigDecimal("0.9")])
    end

    def rating
      chance(0.2) ? nil : @random.rand(10..50) / 10.0
    end

    def pick(list)
      list.sample(random: @random)
    end

    def chance(share)
      @random.rand < share
    end
  end
end
