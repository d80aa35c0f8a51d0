Rails.application.routes.draw do
  root "home#show"
  get "up", to: "health#show"

  resources :products, only: %i[index show]

  get "signup", to: "registrations#new"
  post "signup", to: "registrations#create"
  get "login", to: "sessions#new"
  post "login", to: "sessions#create"
  delete "logout", to: "sessions#destroy"

  resource :cart, only: :show do
    resources :lines, only: %i[create update destroy], controller: "cart_lines"
    post "promotion", to: "cart_promotions#create"
  end
  post "checkout", to: "checkouts#create"

  resources :orders, only: %i[index show] do
    resource :events, only: :show, controller: "order_events"
    resources :returns, only: :create
  end
  resources :returns, only: :show

  resources :notifications, only: :index do
    post "read", on: :member
  end
  resource :profile, only: %i[show update] do
    get "avatar"
  end

  namespace :admin do
    resources :returns, only: :index do
      post "approve", on: :member
    end
  end

  namespace :api, defaults: { format: :json } do
    resource :session, only: %i[show create destroy]
    resources :products, only: %i[index show]
    resource :cart, only: :show do
      resources :lines, only: %i[create destroy], controller: "cart_lines"
      post "promotion", to: "cart_promotions#create"
    end
    post "checkout", to: "checkouts#create"
    resources :orders, only: :show
    resources :notifications, only: :index
  end

  post "graphql", to: "graphql#execute"
  mount ActionCable.server => "/cable"
end
