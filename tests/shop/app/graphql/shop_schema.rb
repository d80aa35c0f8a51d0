class ShopSchema < GraphQL::Schema
  query Types::QueryType
  mutation Types::MutationType
  max_depth 10
end
