#include "tape/initiator/transport.h"

namespace tapewarden::tape {

Result<TransportAnswer> InProcessTransport::execute(ByteView cdb, ByteView data_out,
                                                    std::size_t data_in_limit, std::chrono::milliseconds) {
  auto response = unit_.execute({.cdb = cdb, .nexus = nexus_, .data_out = data_out});
  if (response.data_in.size() > data_in_limit) response.data_in.resize(data_in_limit);
  return TransportAnswer{response.status, response.sense, std::move(response.data_in)};
}

}  // namespace tapewarden::tape
