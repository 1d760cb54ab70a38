// From an HTTP request to a route's handler: finds the route, asks who calls and what that person may do,
// reads the arguments, and turns result or error into an answer. Add all routes before handler() serves;
// then thread-safe.
//
// Invariants
//  H1 A handler runs only for a caller who has the route's permission now: session and account are looked at
//     with every request.
//  H2 Being refused for want of a permission, and a change that fails, leave an audit record before the
//     answer does.
//  H3 No answer may be kept by anybody on the way: every one says no-store.
//  H4 Loop threads never wait: everything but the bound on requests happens on `workers`.
//  H5 A handler with two_person runs only with another officer's consent, unless the policy says otherwise.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "admin/http/route.h"
#include "base/env.h"
#include "people/approvals.h"
#include "people/people.h"

namespace tapewarden::admin {

struct RouterOptions {
  std::string origin = "key-server";  // who answers, in errors
  std::size_t requests_in_flight = kMaximumRequestsInFlight;
  people::Approvals* approvals = nullptr;  // borrowed; REQUIRED for routes with two_person
};

class Router {
 public:
  // Borrows both. `workers` is a pool of its own, not the executor that the keystore completes on: handlers
  // wait for commits.
  Router(people::People& people, Executor& workers, RouterOptions options = {});
  ~Router();  // REQUIRES: no request under way: `workers` is gone, or idle
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  // REQUIRES: no two routes have the same method and pattern.
  void add(std::vector<Route> routes);
  // Requests whose path begins with `prefix` go to `handler` as they are, on the loop thread: for peers,
  // which prove themselves in their own way, and for pages.
  void add_raw(std::string prefix, net::HttpHandler handler);
  const std::vector<Route>& routes() const { return routes_; }

  net::HttpHandler handler();
  // The answer to one request, on the calling thread.
  net::HttpResponse respond(net::HttpRequest request);

 private:
  struct Raw {
    std::string prefix;
    net::HttpHandler handler;
  };
  struct Match {
    const Route* route = nullptr;
    std::vector<std::pair<std::string, std::string>> path_fields;
  };

  // `allowed`: the methods that the path has, when this one is not among them.
  Match match(std::string_view method, std::string_view target, std::string& allowed) const;
  Result<Answer> run(const Match& match, net::HttpRequest& http);
  Status identify(const Route& route, const net::HttpRequest& http, Request& request);
  Result<Answer> call(const Route& route, const std::string& what, Request& request,
                      std::string_view approval);

  people::People& people_;
  Executor& workers_;
  const RouterOptions options_;
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> segments_;  // of each route's pattern
  std::vector<Raw> raw_;
  std::shared_ptr<std::atomic<std::size_t>> in_flight_ = std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace tapewarden::admin
