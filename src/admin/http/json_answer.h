// Answers made of Boost.JSON values. Included by .cc files only: it brings the whole of Boost.JSON with it.
#pragma once

#include <boost/json.hpp>

#include "admin/http/route.h"

namespace tapewarden::admin {

inline Answer json_answer(const boost::json::value& value, unsigned status = 200) {
  return {status, "application/json", to_bytes(boost::json::serialize(value))};
}

// 204: done, and there is nothing to tell.
inline Answer empty_answer() {
  return {204, "", {}};
}

}  // namespace tapewarden::admin
