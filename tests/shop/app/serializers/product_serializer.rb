# A product as JSON. The order of the keys is part of the API: clients diff these documents as text.
module ProductSerializer
  SUMMARY = %i[id name slug subtitle price currency category rating].freeze
  FULL = %i[id name slug subtitle description price currency category brand details tags rating].freeze

  module_function

  def summary(product)
    pick(product, SUMMARY).merge(in_stock: product.in_stock?, tags: product.tags, listed_at: product.listed_at)
  end

  def full(product, now:)
    age = (now - product.listed_at).to_i
    pick(product, FULL).merge(
      in_stock: product.in_stock?,
      listed_at: product.listed_at,
      updated_at: product.updated_at,
      age_days: age / 1.day.to_i,
      age_seconds: age,
      views: product.views_count,
      viewed_at: now,
      variants: product.variants.map { |variant| pick(variant, %i[id sku title price stock]) },
      related: product.related.map { |other| pick(other, %i[id name price]) },
      promotions: product.promotions.map { |promotion| pick(promotion, %i[code name]) }
    )
  end

  def pick(record, attributes)
    attributes.to_h { |attribute| [attribute, record.public_send(attribute)] }
  end
end
