#include "admin/http/error_answer.h"

#include "admin/http/json_answer.h"

namespace tapewarden::admin {
namespace {

std::string detail_text(std::uint32_t detail) {
  const Bytes bytes = ByteWriter().u32(detail).take();
  const std::string hex = to_hex(detail > 0xFFFF ? ByteView(bytes) : ByteView(bytes).subspan(2));
  std::string upper;
  for (const char c : hex) upper += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

}  // namespace

unsigned http_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return 400;
    case ErrorCode::kUnauthenticated:
      return 401;
    case ErrorCode::kPermissionDenied:
      return 403;
    case ErrorCode::kNotFound:
      return 404;
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kConflict:
      return 409;
    case ErrorCode::kWrongKey:
      return 422;
    case ErrorCode::kExhausted:
      return 429;
    case ErrorCode::kUnsupported:
      return 501;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kTimeout:
      return 504;
    case ErrorCode::kCorrupt:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

Answer error_answer(unsigned status, const Error& error, std::string_view origin) {
  boost::json::object body{{"code", to_string(error.code)},
                           {"origin", origin},
                           {"field", error.field},
                           {"message", error.message},
                           {"remedy", error.remedy}};
  if (error.detail != 0) body["detail"] = detail_text(error.detail);
  return json_answer(boost::json::object{{"error", std::move(body)}}, status);
}

Answer error_answer(const Error& error, std::string_view origin) {
  return error_answer(http_status(error.code), error, origin);
}

}  // namespace tapewarden::admin
