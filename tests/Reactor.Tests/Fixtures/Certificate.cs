using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Reactor.Tests.Fixtures;

/// <summary>A self-signed certificate for the time of a test.</summary>
internal static class Certificate
{
    public static X509Certificate2 New()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
