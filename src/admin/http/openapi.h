// The OpenAPI 3.0 document, made from the table of routes, so that it cannot say anything else than what is
// served. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "admin/http/route.h"

namespace tapewarden::admin {

class Router;

// Deterministic: in the order of the routes.
std::string openapi_document(std::span<const Route> routes, std::string_view title);
// GET /v1/openapi.json, for everybody; it describes the router's routes as they are when it is asked. Borrows
// the router.
Route openapi_route(const Router& router, std::string_view title);

}  // namespace tapewarden::admin
