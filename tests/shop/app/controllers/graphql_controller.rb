class GraphqlController < Api::BaseController
  def execute
    result = ShopSchema.execute(
      params[:query],
      variables: variables,
      operation_name: params[:operationName],
      context: { cart: -> { current_cart }, cart_for_writing: -> { current_cart! } }
    )
    render json: result
  end

  private

  # Some clients send the variables as a JSON text.
  def variables
    case given = params[:variables]
    when String then given.present? ? JSON.parse(given) : {}
    when ActionController::Parameters then given.to_unsafe_h
    else {}
    end
  end
end
