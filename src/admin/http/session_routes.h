// Logging in and out, who am I, the people's accounts, and the health check: the routes that both daemons
// have.
#pragma once

#include <vector>

#include "admin/http/route.h"
#include "people/people.h"

namespace tapewarden::admin {

// Borrows `people`. `ready`: whether the daemon can do its work; the health check tells no more than that and
// which daemon it is. `program`: its name, a literal, by which a client knows a key server from a tape
// engine.
std::vector<Route> session_routes(people::People& people, std::function<bool()> ready,
                                  std::string_view program);
std::vector<Route> people_routes(people::People& people);

}  // namespace tapewarden::admin
