// A connection to a KMIP server as one of its clients, for commands that speak KMIP themselves.
#pragma once

#include <chrono>
#include <string>

#include "cli/context.h"
#include "net/client.h"

namespace tapewarden::cli {

inline constexpr std::chrono::milliseconds kKmipAnswerTime{30'000};

struct KmipPlace {
  std::string host;
  std::string port;  // empty: 5696
};
// PEM files.
struct KmipFiles {
  std::string certificate;
  std::string key;
  std::string authorities;
};
// Errors name the option.
Result<net::BlockingClient> connect_kmip(Context& context, net::Loop& loop, const KmipPlace& place,
                                         const KmipFiles& files);

}  // namespace tapewarden::cli
