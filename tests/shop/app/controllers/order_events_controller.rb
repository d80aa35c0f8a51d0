# An order's status as server-sent events, for pages that cannot open a web socket.
class OrderEventsController < ApplicationController
  include ActionController::Live

  TICK = 0.2
  MAX_TICKS = 50

  # A filter's answer (302, 404) is rendered before the stream is touched.
  before_action :require_user
  before_action { @order = current_user.orders.find(params[:order_id]) }

  def show
    response.headers["Content-Type"] = "text/event-stream"
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Last-Modified"] = Time.current.httpdate
    stream_status
  rescue ActionController::Live::ClientDisconnected
    logger.info("order #{@order.id}: listener left")
  ensure
    response.stream.close
  end

  private

  def stream_status
    events = SSE.new(response.stream, event: "status")
    ticks.times do |tick|
      sleep TICK unless tick.zero?
      events.write({ number: @order.number, status: @order.reload.status, tick: tick + 1, at: Time.current }, id: tick + 1)
    end
  end

  def ticks
    params.fetch(:ticks, 3).to_i.clamp(1, MAX_TICKS)
  end
end
