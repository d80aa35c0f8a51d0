require "csv"

class OrdersController < ApplicationController
  before_action :require_user

  def index
    respond_to do |format|
      format.html { @orders = current_user.orders.newest_first }
      format.csv { stream_csv }
    end
  end

  def show
    @order = current_user.orders.find(params[:id])
  end

  private

  # With Last-Modified set Rack::ETag leaves the body alone; without, it would buffer the whole stream.
  def stream_csv
    orders = current_user.orders
    headers["Content-Type"] = "text/csv; charset=utf-8"
    headers["Content-Disposition"] = ActionDispatch::Http::ContentDisposition.format(disposition: "attachment", filename: "orders.csv")
    headers["Last-Modified"] = (orders.maximum(:updated_at) || Time.current).httpdate
    self.response_body = csv_rows(orders)
  end

  def csv_rows(orders)
    Enumerator.new do |rows|
      rows << CSV.generate_line(%w[number status items subtotal discount shipping total currency placed_at])
      orders.find_each do |order|
        rows << CSV.generate_line([order.number, order.status, order.lines.sum(&:quantity), order.subtotal.to_s("F"),
                                   order.discount.to_s("F"), order.shipping.to_s("F"), order.total.to_s("F"),
                                   order.currency, order.placed_at.iso8601])
      end
    end
  end
end
