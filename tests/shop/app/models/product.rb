class Product < ApplicationRecord
  include SoftDeletable
  include CountsViews

  PER_PAGE = 20
  MAX_PER_PAGE = 100

  SORTS = {
    "price_asc" => { price: :asc, id: :asc },
    "price_desc" => { price: :desc, id: :asc },
    "name" => { name: :asc, id: :asc }
  }.freeze
  NEWEST_FIRST = { listed_at: :desc, id: :desc }.freeze

  serialize :details, JSON
  serialize :tags, JSON

  has_many :variants, -> { order(:position, :id) }, dependent: :restrict_with_error, inverse_of: :product

  validates :name, :slug, :description, :category, :brand, :listed_at, presence: true
  validates :price, numericality: { greater_than_or_equal_to: 0 }

  scope :in_category, ->(category) { category.present? ? where(category: category.to_s) : all }
  scope :named_like, ->(query) { query.present? ? where("name LIKE ?", "%#{sanitize_sql_like(query.to_s)}%") : all }
  scope :sorted_by, ->(sort) { order(SORTS.fetch(sort, NEWEST_FIRST)) }

  def self.search(params)
    named_like(params[:q]).in_category(params[:category])
  end

  def self.categories
    distinct.order(:category).pluck(:category)
  end

  def in_stock?
    variants.any? { |variant| variant.stock.positive? }
  end

  # The next products of the category, in no particular order: customers got bored of a fixed one.
  def related(limit: 6)
    Product.where(category: category).where("id > ?", id).order(:id).limit(limit).to_a.shuffle
  end

  def promotions
    Promotion.automatic.active.for_category(category)
  end
end
