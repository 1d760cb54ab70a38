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
  if (!place.port.empty()) {
    options.port = static_cast<std::uint16_t>(TRY(parse_number(place.port, 1, 65'535, "--port")));
  }
  options.tls = TRY(net::TlsContext::client(tls));
  return net::BlockingClient::connect(loop, options);
}

}  // namespace tapewarden::cli
