// The echo server as it is written on Asio (the library that Boost carries as Boost.Asio): one io_context on one
// thread, a session a connection that owns its buffer and is kept alive by the operation under way.
//
// It reads some, writes all of that, and only then reads again, so a peer that does not read is slowed down by TCP.
//
// usage: asio-echo      prints "ready PORT PID", ends when its standard input ends

#include <array>
#include <asio.hpp>
#include <iostream>
#include <memory>
#include <unistd.h>

using asio::ip::tcp;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket) : socket_(std::move(socket))
    {
        std::error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
    }

    void read()
    {
        socket_.async_read_some(asio::buffer(buffer_), [self = shared_from_this()](std::error_code error, std::size_t length) {
            if (!error)
                self->write(length);
        });
    }

private:
    void write(std::size_t length)
    {
        asio::async_write(socket_, asio::buffer(buffer_, length), [self = shared_from_this()](std::error_code error, std::size_t) {
            if (!error)
                self->read();
        });
    }

    tcp::socket socket_;
    std::array<char, 16 * 1024> buffer_;
};

class server {
public:
    explicit server(asio::io_context &context) : acceptor_(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) { accept(); }

    unsigned short port() const { return acceptor_.local_endpoint().port(); }

private:
    void accept()
    {
        acceptor_.async_accept([this](std::error_code error, tcp::socket socket) {
            if (error)
                throw std::system_error(error, "accept");
            std::make_shared<session>(std::move(socket))->read();
            accept();
        });
    }

    tcp::acceptor acceptor_;
};

// The runner holds the other end of standard input, so that no server outlives it.
class lifeline {
public:
    explicit lifeline(asio::io_context &context) : context_(context), input_(context, STDIN_FILENO) { wait(); }

private:
    void wait()
    {
        input_.async_read_some(asio::buffer(ignored_), [this](std::error_code error, std::size_t) {
            if (error)
                context_.stop();
            else
                wait();
        });
    }

    asio::io_context &context_;
    asio::posix::stream_descriptor input_;
    std::array<char, 64> ignored_;
};

int main()
{
    try {
        asio::io_context context(1); // a hint: one thread runs it, so it may leave out its wakes
        server server(context);
        lifeline lifeline(context);
        std::cout << "ready " << server.port() << ' ' << getpid() << std::endl;
        context.run();
    } catch (const std::system_error &e) {
        std::cerr << e.what() << '\n';
        return 1;
    }
}
