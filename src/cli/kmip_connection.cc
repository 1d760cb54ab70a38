#include "cli/kmip_connection.h"

#include "base/text.h"

namespace tapewarden::cli {
namespace {

constexpr std::uint16_t kKmipPort = 5696;

}  // namespace

Result<net::BlockingClient> connect_kmip(Context& context, net::Loop& loop, const KmipPlace& place,
                                         const KmipFiles& files) {
  net::TlsConfig tls =
      TRY(net::read_tls_files(*context.env.disk, {files.certificate, files.key, files.authorities}));
  tls.minimum = net::TlsVersion::k12;
  net::FramedClientOptions options;
  options.host = place.host;
  options.port = kKmipPort;
  // HOST:PORT, and [2001:db8::1]:PORT; an address of many colons without brackets has no port.
  const auto colon = options.host.rfind(':');
  const bool bracketed = options.host.starts_with('[');
  if (colon != std::string::npos &&
      (bracketed ? options.host[colon - 1] == ']' : options.host.find(':') == colon)) {
    if (!place.port.empty()) {
      return fail(ErrorCode::kInvalidArgument, "the port is named twice", "--port", "name it once");
    }
    options.port = static_cast<std::uint16_t>(
        TRY(parse_number(std::string_view(options.host).substr(colon + 1), 1, 65'535, "HOST")));
    options.host.resize(colon);
  }
  if (bracketed && options.host.ends_with(']')) {
    options.host = options.host.substr(1, options.host.size() - 2);
  }
  if (!place.port.empty()) {
    options.port = static_cast<std::uint16_t>(TRY(parse_number(place.port, 1, 65'535, "--port")));
  }
  options.tls = TRY(net::TlsContext::client(tls));
  return net::BlockingClient::connect(loop, options);
}

}  // namespace tapewarden::cli
