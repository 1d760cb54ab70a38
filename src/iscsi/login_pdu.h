// Login Request and Login Response (RFC 7143 sections 11.12 and 11.13). Values; pure, thread-safe.
#pragma once

#include "iscsi/pdu.h"

namespace tapewarden::iscsi {

using Isid = std::array<std::uint8_t, 6>;

enum class Stage : std::uint8_t { kSecurity = 0, kOperational = 1, kFullFeature = 3 };

// Status class in the high byte, detail in the low one (section 11.13.5).
enum class LoginStatus : std::uint16_t {
  kSuccess = 0x0000,
  kInitiatorError = 0x0200,
  kAuthenticationFailed = 0x0201,
  kNotAllowed = 0x0202,
  kNotFound = 0x0203,
  kUnsupportedVersion = 0x0205,
  kTooManyConnections = 0x0206,
  kMissingParameter = 0x0207,
  kSessionTypeNotSupported = 0x0209,
  kNoSuchSession = 0x020a,
  kInvalidDuringLogin = 0x020b,
  kServiceUnavailable = 0x0301,
  kOutOfResources = 0x0302,
};

struct LoginRequest {
  bool transit = false;
  bool more_text = false;  // C: the text goes on in the next request
  Stage current = Stage::kSecurity;
  Stage next = Stage::kSecurity;  // meaningful with transit
  std::uint8_t version_max = 0;
  std::uint8_t version_min = 0;
  Isid isid{};
  std::uint16_t tsih = 0;
  std::uint32_t task_tag = 0;
  std::uint16_t connection = 0;  // CID
  std::uint32_t cmd_sn = 0;
  std::uint32_t exp_stat_sn = 0;

  // kInvalidArgument for a stage that does not exist, a transit that does not lead forward, T and C together.
  static Result<LoginRequest> decode(const Header& header);
  Header encode() const;
};

struct LoginResponse {
  bool transit = false;
  bool more_text = false;
  Stage current = Stage::kSecurity;
  Stage next = Stage::kSecurity;
  Isid isid{};
  std::uint16_t tsih = 0;
  std::uint32_t task_tag = 0;
  std::uint32_t stat_sn = 0;
  std::uint32_t exp_cmd_sn = 0;
  std::uint32_t max_cmd_sn = 0;
  LoginStatus status = LoginStatus::kSuccess;

  static LoginResponse decode(const Header& header);
  Header encode() const;
};

}  // namespace tapewarden::iscsi
