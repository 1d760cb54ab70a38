#include <algorithm>
#include <ares.h>
#include <arpa/inet.h>
#include <array>
#include <map>
#include <mutex>
#include <netdb.h>
#include <poll.h>

#include "base/text.h"
#include "net/lookup.h"

namespace tapewarden::net {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kRounds = 2;

struct ChannelFree {
  void operator()(ares_channel channel) const { ares_destroy(channel); }
};
using ChannelPointer = std::unique_ptr<std::remove_pointer_t<ares_channel>, ChannelFree>;

// The library's open sockets with the events that it waits for.
using Sockets = std::map<ares_socket_t, short>;

void socket_changed(void* where, ares_socket_t socket, int readable, int writable) {
  auto& sockets = *static_cast<Sockets*>(where);
  const int events = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
  if (events == 0) {
    sockets.erase(socket);
  } else {
    sockets[socket] = static_cast<short>(events);
  }
}

// `sockets` outlives the channel, whose end calls back into it.
Result<ChannelPointer> make_channel(const std::string& servers, Sockets& sockets) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options options{};
  options.timeout = static_cast<int>(kNameServerPatience.count());
  options.tries = kRounds;
  options.sock_state_cb = socket_changed;
  options.sock_state_cb_data = &sockets;
  ares_channel raw = nullptr;
  constexpr int kGiven = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&raw, &options, kGiven) != ARES_SUCCESS)
    return fail(ErrorCode::kInternal, "the resolver cannot be set up");
  ChannelPointer channel(raw);
  if (ares_set_servers_ports_csv(raw, servers.c_str()) != ARES_SUCCESS)
    return fail(ErrorCode::kInternal, "the resolver does not take its name servers", "servers");
  return channel;
}

// The library skips what it cannot read, so this is checked before: an address, or one with a port behind it.
bool is_server_address(std::string_view text) {
  in6_addr room{};
  const auto is_address = [&](int family, std::string_view part) {
    return inet_pton(family, std::string(part).c_str(), &room) == 1;
  };
  const auto is_port = [](std::string_view part) {
    return part.empty() ||
           (part.front() == ':' && parse_number(part.substr(1), 1, 65535, "port").has_value());
  };
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end != std::string_view::npos && is_address(AF_INET6, text.substr(1, end - 1)) &&
           is_port(text.substr(end + 1));
  }
  const auto colon = std::min(text.find(':'), text.size());
  return is_address(AF_INET6, text) ||
         (is_address(AF_INET, text.substr(0, colon)) && is_port(text.substr(colon)));
}

// One lookup's answer, filled by the library's callback.
struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses;
};

void add_address(std::vector<std::string>& addresses, const ares_addrinfo_node& node) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* raw = nullptr;
  if (node.ai_family == AF_INET) raw = &reinterpret_cast<const sockaddr_in*>(node.ai_addr)->sin_addr;
  if (node.ai_family == AF_INET6) raw = &reinterpret_cast<const sockaddr_in6*>(node.ai_addr)->sin6_addr;
  if (raw == nullptr || inet_ntop(node.ai_family, raw, text.data(), text.size()) == nullptr) return;
  std::string address(text.data());
  if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(std::move(address));
}

void answered(void* where, int status, int, ares_addrinfo* list) {
  auto& answer = *static_cast<Answer*>(where);
  answer.done = true;
  answer.status = status;
  if (list == nullptr) return;
  for (const auto* node = list->nodes; node != nullptr; node = node->ai_next)
    add_address(answer.addresses, *node);
  ares_freeaddrinfo(list);
}

// Waits until one of the library's sockets is ready or its next retry is due, and lets it go on.
void wait_and_process(ares_channel channel, const Sockets& sockets, milliseconds limit) {
  std::vector<pollfd> polled;
  for (const auto& [socket, events] : sockets) polled.push_back({socket, events, 0});
  timeval most{limit.count() / 1000, (limit.count() % 1000) * 1000};
  timeval room{};
  const auto* next = ares_timeout(channel, &most, &room);
  poll(polled.data(), polled.size(), static_cast<int>(next->tv_sec * 1000 + next->tv_usec / 1000 + 1));
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // the retries that are due
  for (const pollfd& one : polled) {
    const auto ready = one.revents;
    if (ready == 0) continue;
    ares_process_fd(channel, (ready & ~POLLOUT) != 0 ? one.fd : ARES_SOCKET_BAD,
                    (ready & POLLOUT) != 0 ? one.fd : ARES_SOCKET_BAD);
  }
}

ResolveResult result_of(const std::string& host, Answer answer) {
  if (answer.status == ARES_ENOTFOUND || answer.status == ARES_ENODATA)
    return fail(ErrorCode::kNotFound, "no host is called '" + host + "'", "host",
                "check the name and the DNS");
  if (answer.status != ARES_SUCCESS)
    return fail(ErrorCode::kUnavailable, "cannot look up '" + host + "': " + ares_strerror(answer.status),
                "host");
  if (answer.addresses.empty()) return fail(ErrorCode::kNotFound, "'" + host + "' has no address", "host");
  return std::move(answer.addresses);
}

ResolveResult look_up(const std::string& servers, const std::string& host,
                      steady_clock::time_point deadline) {
  Answer answer;  // outlives the channel, whose end calls back into it
  Sockets sockets;
  const auto channel = TRY(make_channel(servers, sockets));
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, answered, &answer);
  while (!answer.done) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    if (left.count() <= 0) return fail(ErrorCode::kTimeout, "'" + host + "' was not found in time", "host");
    wait_and_process(channel.get(), sockets, left);
  }
  return result_of(host, std::move(answer));
}

class DnsResolver final : public Resolver {
 public:
  explicit DnsResolver(std::string servers) : servers_(std::move(servers)) {}
  void resolve(const std::string& host, milliseconds deadline,
               std::function<void(ResolveResult)> done) override {
    const auto until = steady_clock::now() + deadline;
    look_up_aside(host, std::move(done),
                  [servers = servers_, host, until] { return look_up(servers, host, until); });
  }

 private:
  const std::string servers_;  // as the library reads them: separated by commas
};

}  // namespace

Result<std::shared_ptr<Resolver>> make_dns_resolver(std::vector<std::string> servers) {
  if (servers.size() > kMaxNameServers)
    return fail(ErrorCode::kInvalidArgument, "too many name servers are given", "servers",
                "give at most " + std::to_string(kMaxNameServers));
  std::string joined;
  for (const auto& server : servers) {
    if (!is_server_address(server))
      return fail(ErrorCode::kInvalidArgument,
                  "'" + escape_unprintable(server) + "' is no address of a name server", "servers",
                  "write a numeric address, for example 192.0.2.53 or [2001:db8::53]:5353");
    joined += (joined.empty() ? "" : ",") + server;
  }
  if (joined.empty()) return fail(ErrorCode::kInvalidArgument, "no name server is given", "servers");
  return std::make_shared<DnsResolver>(std::move(joined));
}

Result<std::shared_ptr<Resolver>> make_resolver(std::vector<std::string> name_servers) {
  if (name_servers.empty()) return make_system_resolver();
  return make_dns_resolver(std::move(name_servers));
}

}  // namespace tapewarden::net
