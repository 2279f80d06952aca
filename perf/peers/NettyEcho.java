import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollEventLoopGroup;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.nio.NioEventLoopGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;

/**
 * The echo server as it is written on Netty: one event loop for all connections and, as usual, another that accepts
 * them, on native epoll where Netty's library for it is there and on NIO otherwise, pooled buffers as by default. What
 * one turn has read is flushed once; a connection whose peer does not read stops being read.
 *
 * <p>One loop for both takes 16 new connections a turn: thousands that arrive at once wait for as many busy turns.
 *
 * <p>usage: NettyEcho [--transport]      prints "ready PORT PID", ends when its standard input ends; with --transport it
 * only says which of the two it would use
 */
public final class NettyEcho {
    private NettyEcho() {
    }

    public static void main(String[] args) throws Exception {
        boolean isNative = Epoll.isAvailable();
        if (args.length > 0) {
            System.out.println(isNative ? "native epoll" : "NIO, the package has no native epoll");
            return;
        }
        EventLoopGroup acceptor = isNative ? new EpollEventLoopGroup(1) : new NioEventLoopGroup(1);
        EventLoopGroup loop = isNative ? new EpollEventLoopGroup(1) : new NioEventLoopGroup(1);
        Class<? extends ServerChannel> channel = isNative ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
        Echo echo = new Echo();
        InetSocketAddress address = (InetSocketAddress) new ServerBootstrap()
            .group(acceptor, loop)
            .channel(channel)
            .option(ChannelOption.SO_BACKLOG, 4096)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(new ChannelInitializer<SocketChannel>() {
                @Override
                protected void initChannel(SocketChannel connection) {
                    connection.pipeline().addLast(echo);
                }
            })
            .bind(InetAddress.getLoopbackAddress(), 0).sync().channel().localAddress();

        System.out.println("ready " + address.getPort() + " " + ProcessHandle.current().pid());
        leaveWhenInputEnds();
    }

    // The runner holds the other end of standard input, so that no server outlives it.
    private static void leaveWhenInputEnds() throws IOException {
        while (System.in.read() >= 0) {
            continue;
        }
        System.exit(0);
    }

    @Sharable
    private static final class Echo extends ChannelInboundHandlerAdapter {
        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            context.write(message, context.voidPromise());
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            context.flush();
        }

        @Override
        public void channelWritabilityChanged(ChannelHandlerContext context) {
            context.channel().config().setAutoRead(context.channel().isWritable());
            context.fireChannelWritabilityChanged();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }
}
