// Internal to net/. What the resolvers share.
#pragma once

#include <functional>
#include <string>

#include "net/resolver.h"

namespace tapewarden::net {

// Answers a numeric address at once; else runs `work` on a thread of its own and then `done` with what it
// gave. kUnavailable when kMaxLookups are running.
void look_up_aside(const std::string& host, std::function<void(ResolveResult)> done,
                   std::function<ResolveResult()> work);

}  // namespace tapewarden::net
